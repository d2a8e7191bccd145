CREATE TABLE main.default.t (
  at TIMESTAMP
);
