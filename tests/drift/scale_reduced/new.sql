CREATE TABLE main.default.t (
  price DECIMAL(10,1),
  m MAP<STRING, DECIMAL(6,2)>
);
