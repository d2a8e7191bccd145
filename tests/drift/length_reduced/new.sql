CREATE TABLE main.default.t (
  code VARCHAR(5),
  country CHAR(2),
  note VARCHAR(200),
  tags ARRAY<VARCHAR(8)>
);
