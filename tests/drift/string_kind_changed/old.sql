CREATE TABLE main.default.t (
  code CHAR(5)
);
