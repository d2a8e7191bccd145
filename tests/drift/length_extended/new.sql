CREATE TABLE main.default.t (
  code VARCHAR(8),
  note STRING,
  country CHAR(3)
);
