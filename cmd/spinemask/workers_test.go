package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShareOfTheCores(t *testing.T) {
	for _, c := range []struct{ cores, images, workers, atOnce, threads int }{
		{2, 100, 0, 2, 1}, {8, 100, 0, 8, 1}, {64, 1000, 0, 16, 4}, {1, 100, 0, 1, 1},
		{8, 1, 0, 1, 8}, {8, 3, 0, 3, 3}, {2, 0, 0, 1, 2},
		{8, 100, 2, 2, 4}, {2, 100, 5, 5, 1}, {8, 2, 5, 2, 4},
	} {
		atOnce, threads := share(c.cores, c.images, c.workers)
		require.Equal(t, [2]int{c.atOnce, c.threads}, [2]int{atOnce, threads}, "%+v", c)
	}
}
