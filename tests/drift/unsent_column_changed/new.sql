CREATE TABLE main.default.t (
  id BIGINT,
  span STRING,
  nothing INT
);
