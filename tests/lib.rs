//! Nothing here: the tests are in `it/`, their kit in `kit/`, misbehaving components in `guests/`.
