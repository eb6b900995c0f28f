package retinanet

import "github.com/spinemask/spinemask/box"

// candidates are the best of a class, at most limit of them, where limit is not 0. Up to twice as many are held, so that memory is bounded whatever the
// network says, and each is looked at a few times at most.
type candidates struct {
	ranks []box.Rank
	limit int
	worst box.Rank // of limit that are held; what is not better need not be
}

func (c *candidates) reset(limit int) {
	c.ranks, c.limit, c.worst = c.ranks[:0], limit, ^box.Rank(0)
}

func (c *candidates) add(r box.Rank) {
	if r > c.worst {
		return
	}
	c.ranks = append(c.ranks, r)
	if c.limit > 0 && len(c.ranks) >= 2*c.limit {
		c.ranks = box.Best(c.ranks, c.limit)
		c.worst = c.ranks[c.limit-1]
	}
}

// best returns them by falling score.
func (c *candidates) best() []box.Rank {
	limit := c.limit
	if limit == 0 {
		limit = len(c.ranks)
	}
	c.ranks = box.Best(c.ranks, limit)
	return c.ranks
}
