//! Keeps the rules of the house (DESIGN §2).
