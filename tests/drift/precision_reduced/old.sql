CREATE TABLE main.default.t (
  price DECIMAL(10,2),
  rate DECIMAL(10,2)
);
