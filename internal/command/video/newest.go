package video

import (
	"context"
	"sync/atomic"
	"time"
)

// Newest keeps up with a source that does not wait: it reads on a goroutine of its own, and of the frames that have come since the last call of Next it keeps
// the newest.
type Newest struct {
	Reader
	ctx     context.Context
	stop    context.CancelFunc
	frames  chan Frame // one at most; closed when the goroutine has ended
	err     error      // when frames is closed
	dropped atomic.Int64
}

// NewNewest takes over r. Where played is true, r is a recording, which is played at its own speed as if it happened now.
func NewNewest(ctx context.Context, r Reader, played bool) *Newest {
	n := &Newest{Reader: r, frames: make(chan Frame, 1)}
	n.ctx, n.stop = context.WithCancel(ctx)
	go n.read(played)
	return n
}

func (n *Newest) read(played bool) {
	defer close(n.frames)
	begin := time.Now()
	for n.err = n.ctx.Err(); n.err == nil; n.err = n.ctx.Err() {
		f, err := n.Reader.Next()
		if err != nil {
			n.err = err
			return
		}
		if played {
			select {
			case <-time.After(time.Until(begin.Add(f.Time))):
			case <-n.ctx.Done():
				continue
			}
		}
		n.put(f)
	}
}

// put replaces the frame that nobody has fetched. There is only one who puts, so there is room in the end.
func (n *Newest) put(f Frame) {
	select {
	case <-n.frames:
		n.dropped.Add(1)
	default:
	}
	n.frames <- f
}

// Next waits for a frame that is newer than the last one.
func (n *Newest) Next() (Frame, error) {
	select {
	case f, ok := <-n.frames:
		if !ok {
			return Frame{}, n.err
		}
		return f, nil
	case <-n.ctx.Done():
		return Frame{}, n.ctx.Err()
	}
}

// Close ends the goroutine once the source has given a frame, or an error, and closes the source.
func (n *Newest) Close() error {
	n.stop()
	for range n.frames {
	}
	return n.Reader.Close()
}

// Dropped counts the frames that were replaced.
func (n *Newest) Dropped() int { return int(n.dropped.Load()) }

// Every gives each n-th frame of a source, beginning with the first.
type Every struct {
	Reader
	N int
}

// Next passes over the frames between.
func (e Every) Next() (Frame, error) {
	for {
		f, err := e.Reader.Next()
		if err != nil || f.Index%e.N == 0 {
			return f, err
		}
	}
}
