package video

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script gives frames 0, 1, … as fast as the test lets it, and then the error.
type script struct {
	frames int
	err    error
	asked  chan int      // not nil: gets the number of each frame that is asked for
	goOn   chan struct{} // not nil: is waited for before each frame
	index  int
	closed bool
}

func (s *script) Info() Info { return Info{Frames: s.frames} }

func (s *script) Next() (Frame, error) {
	if s.asked != nil {
		s.asked <- s.index
	}
	if s.index == s.frames {
		return Frame{}, s.err
	}
	if s.goOn != nil {
		<-s.goOn
	}
	s.index++
	return Frame{Index: s.index - 1, Time: time.Duration(s.index-1) * 100 * time.Millisecond}, nil
}

func (s *script) Close() error {
	s.closed = true
	return nil
}

func TestNewestKeepsTheNewestFrame(t *testing.T) {
	s := &script{frames: 7, err: io.EOF, asked: make(chan int), goOn: make(chan struct{})}
	n := NewNewest(t.Context(), s, false)
	<-s.asked
	// When the source is asked for another frame, the one before is where Next fetches it.
	come := func(frames int) {
		for range frames {
			s.goOn <- struct{}{}
			<-s.asked
		}
	}
	next := func(want int) {
		f, err := n.Next()
		require.NoError(t, err)
		require.Equal(t, want, f.Index)
	}
	come(1)
	next(0)
	come(4)
	next(4)
	require.Equal(t, 3, n.Dropped())
	come(1)
	next(5)
	come(1)
	next(6)
	require.Equal(t, 3, n.Dropped())
	_, err := n.Next()
	require.Equal(t, io.EOF, err)
	require.NoError(t, n.Close())
	require.True(t, s.closed)
}

// The last frame of a source is delivered also when its end has come already, and no frame is both delivered and counted as dropped.
func TestNewestDeliversTheLastFrame(t *testing.T) {
	broken := errors.New("the camera is gone")
	n := NewNewest(t.Context(), &script{frames: 100, err: broken}, false)
	delivered, last := 0, -1
	for {
		f, err := n.Next()
		if err != nil {
			require.Equal(t, broken, err)
			break
		}
		require.Greater(t, f.Index, last)
		last = f.Index
		delivered++
	}
	require.Equal(t, 99, last)
	require.Equal(t, 100, delivered+n.Dropped())
	require.NoError(t, n.Close())
}

func TestNewestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &script{frames: 3, err: io.EOF, goOn: make(chan struct{})}
	n := NewNewest(ctx, s, false)
	cancel()
	_, err := n.Next() // although the source hangs
	require.Equal(t, context.Canceled, err)
	close(s.goOn)
	require.NoError(t, n.Close())
}

func TestNewestPlaysRecordingsAtTheirSpeed(t *testing.T) {
	begin := time.Now()
	n := NewNewest(t.Context(), &script{frames: 4, err: io.EOF}, true)
	for want := 0; want < 4; want++ { // who fetches at once misses nothing
		f, err := n.Next()
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(begin), f.Time)
	}
	require.Zero(t, n.Dropped())
	require.NoError(t, n.Close())
}

func TestEvery(t *testing.T) {
	e := Every{&script{frames: 8, err: io.EOF}, 3}
	var got []int
	for f, err := e.Next(); err == nil; f, err = e.Next() {
		got = append(got, f.Index)
	}
	require.Equal(t, []int{0, 3, 6}, got)
}
