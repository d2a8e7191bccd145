CREATE TABLE main.default.t (
  price DECIMAL(10,2),
  m MAP<STRING, DECIMAL(6,3)>
);
