//! The ESME: pushes to handsets over SMPP 3.4.
