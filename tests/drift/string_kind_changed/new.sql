CREATE TABLE main.default.t (
  code VARCHAR(5)
);
