// The arithmetic of sleepviz/core/delta_rule.py for one head, in double precision: S is K rows of V numbers.

// o = S^T q
function readState(state, query) {
  return state[0].map((_, column) => state.reduce((sum, row, place) => sum + query[place] * row[column], 0));
}

// S <- decay S + beta k (v - S^T k)^T; without the correction ("hebbian"), S <- decay S + beta k v^T.
function writeState(state, key, value, { rule, beta = 1, decay = 1 }) {
  const faded = state.map((row) => row.map((number) => decay * number));
  const recalled = rule === "delta" ? readState(faded, key) : value.map(() => 0);
  return faded.map((row, place) => row.map((number, column) => number + key[place] * beta * (value[column] - recalled[column])));
}
