CREATE TABLE main.default.t (
  id BIGINT,
  n INT
);
