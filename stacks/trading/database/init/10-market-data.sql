-- Runs once, on an empty data folder.

CREATE SCHEMA market;

CREATE TABLE market.candles (
  symbol text NOT NULL,
  opened_at timestamptz NOT NULL,
  open numeric NOT NULL,
  high numeric NOT NULL,
  low numeric NOT NULL,
  close numeric NOT NULL,
  volume bigint NOT NULL,
  PRIMARY KEY (symbol, opened_at)
);

-- The candles become a hypertable where the image brings the extension
-- (timescale/timescaledb does, plain PostgreSQL does not).
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
    PERFORM create_hypertable('market.candles', 'opened_at');
  ELSE
    RAISE NOTICE 'timescaledb extension not available: market.candles stays a plain table';
  END IF;
END
$$;
