package spinemask_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
)

func TestNonsenseInOptionsIsAnErrorAtOnce(t *testing.T) {
	for text, o := range map[string]spinemask.Options{
		"Options.Threads: -1, want 0 to 4096":                           {Threads: -1},
		"Options.Threads: 1099511627776, want 0 to 4096":                {Threads: 1 << 40},
		"Options.Workspaces: -2, want 0 to 4096":                        {Workspaces: -2},
		"Options.Workspaces: 4097, want 0 to 4096":                      {Workspaces: 4097},
		"Options.Height and Width: 640×0, want both or neither":         {Height: 640},
		"Options.Height and Width: 0×640, want both or neither":         {Width: 640},
		"Options.Height and Width: -1×-1, want both or neither":         {Height: -1, Width: -1},
		"Options.MinScore: 7, want 0 to 1, or DisplayScore":             {MinScore: 7},
		"Options.MinScore: NaN, want 0 to 1, or DisplayScore":           {MinScore: math.NaN()},
		"Options.MaxDetections: -1, want 0 or more":                     {MaxDetections: -1},
		"Options.NMSIoU: 1.5, want 0.01 to 1, or 0 for the model's own": {NMSIoU: 1.5},
		"Options.MemoryLimit: -5 bytes, want 0 or more":                 {MemoryLimit: -5},
	} {
		_, err := spinemask.Open("no such file", &o) // not even looked for
		require.EqualError(t, err, "spinemask: "+text)
		_, err = spinemask.Load("", nil, 0, &o)
		require.EqualError(t, err, "spinemask: "+text)
		_, err = spinemask.New(nil, nil, &o)
		require.EqualError(t, err, "spinemask: "+text)
	}
}

func TestTheZeroModelIsClosed(t *testing.T) {
	var m spinemask.Model
	_, err := m.Segment(context.Background(), waves(0, 8, 8))
	require.ErrorIs(t, err, spinemask.ErrClosed)
	_, err = m.Features(context.Background(), waves(0, 8, 8))
	require.ErrorIs(t, err, spinemask.ErrClosed)
	_, err = m.Plan(8, 8)
	require.ErrorIs(t, err, spinemask.ErrClosed)
	for r, err := range m.SegmentAll(context.Background(), spinemask.OpenImages(nil, "testdata/images/c901794d1a421d52.png")) {
		require.Nil(t, r)
		require.ErrorIs(t, err, spinemask.ErrClosed)
	}
	require.Nil(t, m.Config())
	require.NoError(t, m.Close())
}
