package retinanet

import (
	"slices"

	"github.com/spinemask/spinemask/box"
)

// candidates are the best of a class, at most limit of them, where limit is not 0. Up to twice as many are held, so that memory is bounded whatever the
// network says, and each is looked at a few times at most.
type candidates struct {
	ranks []box.Rank
	taken int // of ranks, by next
	limit int
	cut   float32  // logits that are not above it need no score
	worst box.Rank // of limit that are held; what is not better need not be
	top   box.Rank // the best
}

func (c *candidates) reset(limit int, cut float32) {
	c.ranks, c.taken, c.limit, c.cut, c.worst, c.top = c.ranks[:0], 0, limit, cut, ^box.Rank(0), ^box.Rank(0)
}

func (c *candidates) add(r box.Rank) {
	if r > c.worst {
		return
	}
	c.ranks, c.top = append(c.ranks, r), min(c.top, r)
	if c.limit > 0 && len(c.ranks) >= 2*c.limit {
		c.keep(c.limit)
		c.worst = slices.Max(c.ranks)
		c.cut = max(c.cut, safeLogit(c.worst.Score()))
	}
}

// keep drops all but the n best.
func (c *candidates) keep(n int) {
	if n < len(c.ranks) {
		box.Partition(c.ranks, n)
		c.ranks = c.ranks[:n]
	}
}

// atLeast drops what has a lower score.
func (c *candidates) atLeast(score float32) {
	c.ranks = slices.DeleteFunc(c.ranks, func(r box.Rank) bool { return r.Score() < score })
}

// next takes the n best away and returns them by falling score; all, if there are no more. It is valid until the next add.
func (c *candidates) next(n int) []box.Rank {
	best := box.Best(c.ranks[c.taken:], n)
	c.taken += len(best)
	return best
}

// more says whether next has any.
func (c *candidates) more() bool { return c.taken < len(c.ranks) }
