-- One row: the current price of quota, from analysis.toml.
--
-- quota_per_unit: how much quota is one unit of currency; 500,000 unless the gateway says otherwise
-- price: what one unit costs, in currency
-- currency: what the price is in
create table if not exists pricing (
    quota_per_unit double,
    price double,
    currency varchar
);
