CREATE TABLE main.default.t (
  price DECIMAL(8,2),
  rate DECIMAL(10,4)
);
