package progress

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	b := New(nil, "images", 800, 100)
	require.Equal(t, "[                                        ]    0 of 800", b.line(0))
	b.done = 312
	require.Equal(t, "[==============>                         ]  312 of 800  9.1 images/s, 54 s left", b.line(34300*time.Millisecond))
	require.Equal(t, "[==============>                         ]  312 of 800  0.10 images/s, 83 min left", b.line(3180*time.Second))
	b.done = 800
	require.Equal(t, "[========================================]  800 of 800  80 images/s, 0 s left", b.line(10*time.Second))
	for width := range 120 {
		b.width = width
		require.Less(t, len(b.line(time.Second)), max(width, 1), "a line must not wrap")
	}
}

func TestLinesOfRunsWithoutAnEnd(t *testing.T) {
	b := New(nil, "frames", 0, 80)
	require.Equal(t, "0 frames  0.00 frames/s", b.line(0))
	b.done = 312
	require.Equal(t, "312 frames  9.1 frames/s", b.line(34300*time.Millisecond))
	b.width = 10
	require.Equal(t, "312 frame", b.line(time.Second))
}

func TestBarDrawsSeldomAndClears(t *testing.T) {
	var out strings.Builder
	b := New(&out, "images", 1000, 80)
	now := b.begin
	b.now = func() time.Time { return now }
	for range 1000 {
		now = now.Add(time.Millisecond)
		b.Add(1)
	}
	require.InDelta(t, 10, strings.Count(out.String(), "\r"), 1)
	out.Reset()
	b.Clear()
	require.Equal(t, "\r\x1b[K", out.String())
	b.Clear()
	require.Equal(t, "\r\x1b[K", out.String(), "nothing is left to clear")
	b.Add(0)
	require.Contains(t, out.String(), "1000 of 1000")

	var none *Bar
	none.Add(1)
	none.Clear()
}
