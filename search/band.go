package search

import (
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
)

// With is the band's config with a block table, validated.
func (b *Band) With(t *config.BlockTable) (*config.Config, error) {
	c := b.Config.Clone()
	c.Backbone.BlockTable, c.Backbone.Blocks = "", t
	return c, c.Validate()
}

// MACs are the multiply-adds of the network with a block table: those of backbone
// and dense head, not of what runs for each region.
func (b *Band) MACs(t *config.BlockTable) (int64, error) {
	c, err := b.With(t)
	if err != nil {
		return 0, err
	}
	n, err := network.Build(c)
	if err != nil {
		return 0, err
	}
	counts, err := n.Trunk.Counts(b.Side, b.Side, 1)
	return graph.Total(counts).MACs, err
}
