package train

import (
	"bytes"
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
)

// A context that is done in the middle of a step ends the run with its error and with the
// weights of the last whole step; the same trainer goes on from there as if nothing had been.
func TestContextStopsARun(t *testing.T) {
	f, c := builtIn(t)
	set, read := blobs()
	start, err := From(c, f, c, set, 1)
	require.NoError(t, err)
	// run makes four steps of two images, of which nothing is kept in memory, and stops in the
	// one that reads picture number stop.
	run := func(stop int) []byte {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		reads, told := 0, 0
		o := &Options{CacheBytes: 1, Read: func(im *dataset.Image) (image.Image, error) {
			if reads++; reads == stop {
				cancel()
			}
			return read(im)
		}}
		tr, err := New(start.Config, start, set, small(4), o)
		require.NoError(t, err)
		progress := func(p Progress) error {
			told++
			require.Equal(t, told, p.Step)
			require.Equal(t, 4, p.Steps)
			require.Positive(t, p.Losses["total_loss"])
			return nil
		}
		if stop > 0 {
			require.ErrorIs(t, tr.Run(ctx, progress), context.Canceled)
			require.Equal(t, 2, tr.StepDone())
			require.Equal(t, 2, told)
		}
		require.NoError(t, tr.Run(context.Background(), progress))
		require.Equal(t, 4, told)
		return model(t, tr)
	}
	want := run(0)
	require.True(t, bytes.Equal(want, run(5)))
}
