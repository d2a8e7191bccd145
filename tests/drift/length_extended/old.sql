CREATE TABLE main.default.t (
  code VARCHAR(5),
  note VARCHAR(200),
  country CHAR(2)
);
