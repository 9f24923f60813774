"""Operations: health, logs, and what else an operator watches."""
