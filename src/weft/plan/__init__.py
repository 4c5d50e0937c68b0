"""Operations on the kernel, their inverses and differences: frozen values."""
