CREATE TABLE main.default.t (
  code VARCHAR(8),
  country CHAR(3),
  note STRING,
  tags ARRAY<VARCHAR(9)>
);
