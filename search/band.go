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

// Count is what the network with a block table costs: its backbone and dense head, not what runs for each region.
func (b *Band) Count(t *config.BlockTable) (graph.Count, error) {
	c, err := b.With(t)
	if err != nil {
		return graph.Count{}, err
	}
	n, err := network.Build(c)
	if err != nil {
		return graph.Count{}, err
	}
	counts, err := n.Trunk.Counts(b.Side, b.Side, 1)
	return graph.Total(counts), err
}

// MACs are the multiply-adds of Count.
func (b *Band) MACs(t *config.BlockTable) (int64, error) {
	c, err := b.Count(t)
	return c.MACs, err
}
