// Package network puts the graphs of a whole Mask R-CNN together.
package network

import (
	"strconv"

	"github.com/spinemask/spinemask/backbone"
	"github.com/spinemask/spinemask/boxhead"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/maskhead"
	"github.com/spinemask/spinemask/rpn"
)

// Network is one model's graphs. There are three, because the number of RoIs
// is known only between them.
type Network struct {
	// Trunk is backbone and RPN head: input "image" H×W×3; outputs P{l},
	// objectness{l}, deltas{l} for every level l.
	Trunk *graph.Graph
	Box   *graph.Graph // see boxhead.BuildHead
	Mask  *graph.Graph // see maskhead.BuildHead
	// Features names the values inside the trunk that a test or a user may want.
	Features *backbone.Features
}

// Build makes the graphs of a config.
func Build(c *config.Config) (*Network, error) {
	n := &Network{Trunk: graph.New()}
	var err error
	if n.Features, err = backbone.Build(n.Trunk, n.Trunk.Input("image", 3), c); err != nil {
		return nil, err
	}
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		n.Trunk.Output(PName(l), n.Features.Levels[l])
	}
	if err = rpn.BuildHead(n.Trunk, n.Features.Levels, c); err != nil {
		return nil, err
	}
	if n.Box, err = boxhead.BuildHead(c); err != nil {
		return nil, err
	}
	n.Mask, err = maskhead.BuildHead(c)
	return n, err
}

// PName is the name of the trunk's output of a level: "P3".
func PName(level int) string { return "P" + strconv.Itoa(level) }

// Tensors lists the stored arrays of all three graphs.
func (n *Network) Tensors() []graph.Tensor {
	list := n.Trunk.Tensors()
	list = append(list, n.Box.Tensors()...)
	return append(list, n.Mask.Tensors()...)
}

// Part is one of the three graphs with the size and number of its rows.
type Part struct {
	Name                string
	Graph               *graph.Graph
	Height, Width, Rows int
}

// Parts lists the graphs as they run on an input of h×w pixels with the given
// numbers of proposals and of detections.
func (n *Network) Parts(c *config.Config, h, w, proposals, detections int) []Part {
	return []Part{
		{"backbone and RPN", n.Trunk, h, w, 1},
		{"box head", n.Box, c.RoIAlign.BoxSize, c.RoIAlign.BoxSize, proposals},
		{"mask head", n.Mask, c.RoIAlign.MaskSize, c.RoIAlign.MaskSize, detections},
	}
}

// Count sums the cost of all parts.
func Count(parts []Part) (graph.Count, error) {
	var all []graph.Count
	for _, p := range parts {
		counts, err := p.Graph.Counts(p.Height, p.Width, p.Rows)
		if err != nil {
			return graph.Count{}, err
		}
		all = append(all, counts...)
	}
	return graph.Total(all), nil
}
