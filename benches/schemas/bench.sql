CREATE TABLE bench.encode.orders (
  order_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  sku STRING NOT NULL,
  quantity INT NOT NULL,
  price DOUBLE NOT NULL,
  placed_at TIMESTAMP NOT NULL,
  status STRING,
  note STRING
);
CREATE TABLE bench.encode.documents (
  id BIGINT NOT NULL,
  tenant STRING NOT NULL,
  title STRING NOT NULL,
  url STRING NOT NULL,
  user_agent STRING,
  country STRING,
  score DOUBLE,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP,
  version INT,
  summary STRING,
  body STRING
);
CREATE TABLE bench.encode.lineitem (
  l_orderkey BIGINT NOT NULL,
  l_partkey BIGINT NOT NULL,
  l_suppkey BIGINT NOT NULL,
  l_linenumber INT NOT NULL,
  l_quantity DECIMAL(15,2) NOT NULL,
  l_extendedprice DECIMAL(15,2) NOT NULL,
  l_discount DECIMAL(15,2) NOT NULL,
  l_tax DECIMAL(15,2) NOT NULL,
  l_returnflag CHAR(1) NOT NULL,
  l_linestatus CHAR(1) NOT NULL,
  l_shipdate DATE NOT NULL,
  l_commitdate DATE NOT NULL,
  l_receiptdate DATE NOT NULL,
  l_shipinstruct CHAR(25) NOT NULL,
  l_shipmode CHAR(10) NOT NULL,
  l_comment VARCHAR(44) NOT NULL
);
CREATE TABLE bench.encode.trips (
  id BIGINT NOT NULL,
  device STRING NOT NULL,
  origin STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, label: STRING>,
  tags ARRAY<STRING>,
  samples ARRAY<BIGINT>,
  attributes MAP<STRING, STRING>,
  readings MAP<INT, DOUBLE>,
  stops ARRAY<STRUCT<at: TIMESTAMP NOT NULL, place: STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, label: STRING> NOT NULL>>
);
CREATE TABLE bench.client.readings (
  device_name STRING NOT NULL,
  temp INT NOT NULL,
  humidity BIGINT NOT NULL
);
