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

func TestLogsGetALineNowAndThen(t *testing.T) {
	var out strings.Builder
	b := NewLog(&out, "spinemask: ", "images", 500)
	now := b.begin
	b.now = func() time.Time { return now }
	for range 500 {
		now = now.Add(150 * time.Millisecond)
		b.Add(1)
		b.Clear()
	}
	require.Equal(t, "spinemask: 200 of 500 images, 6.7 images/s, 45 s left\nspinemask: 400 of 500 images, 6.7 images/s, 15 s left\n", out.String())

	out.Reset()
	b = NewLog(&out, "", "frames", 0)
	now = b.begin
	b.now = func() time.Time { return now }
	for range 10 * 3600 {
		now = now.Add(time.Second)
		b.Add(2)
	}
	require.True(t, strings.HasPrefix(out.String(), "60 frames, 2.0 frames/s\n"), out.String())
	require.InDelta(t, 100, strings.Count(out.String(), "\n"), 20, "ten hours")
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
