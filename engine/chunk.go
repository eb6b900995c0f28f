package engine

import "github.com/spinemask/spinemask/internal/kernels"

// Chunk is the number of rows of a run when n rows are computed in the fewest
// about equal runs of at most so many. A module compiled with Options.Fast is
// faster with groups of rows that it computes together: its runs are whole
// groups, but for the last.
func Chunk(n, most int, fast bool) int {
	runs := max(1, (n+most-1)/most)
	rows := (n + runs - 1) / runs
	if fast {
		rows = (rows + kernels.ItemsEach - 1) / kernels.ItemsEach * kernels.ItemsEach
	}
	return rows
}
