//! The tables held against AWS's data, the local cloud, and the evidence.

mod paths;
mod rows;
mod served;
