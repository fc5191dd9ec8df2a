'use strict';

fetch(`http://127.0.0.1:${process.env.PORT}/health`)
  .then((response) => process.exit(response.ok ? 0 : 1))
  .catch(() => process.exit(1));
