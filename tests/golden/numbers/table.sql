-- One table over time: a column is dropped, one is added in its place, fields move, a dropped name returns.
CREATE TABLE golden.numbers.t (a INT, b INT, s STRUCT<x: INT, y: INT>, c INT);
CREATE TABLE golden.numbers.t (a INT, c INT, s STRUCT<y: INT>, added INT);
CREATE TABLE golden.numbers.t (c INT, a INT, s STRUCT<z: INT, y: INT>, b INT);
