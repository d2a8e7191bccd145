CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  n INT
);
