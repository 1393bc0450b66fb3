"""``pm2sd doctor``: one table of checks, each a judgement over facts gathered beforehand."""
