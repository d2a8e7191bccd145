CREATE TABLE main.default.t (
  price DECIMAL(12,2),
  rate DECIMAL(7,4)
);
