// Package network puts the graphs of a whole model together: Mask R-CNN, RetinaNet or a classifier.
package network

import (
	"strconv"

	"github.com/spinemask/spinemask/backbone"
	"github.com/spinemask/spinemask/boxhead"
	"github.com/spinemask/spinemask/classifier"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/maskhead"
	"github.com/spinemask/spinemask/retinanet"
	"github.com/spinemask/spinemask/rpn"
)

// Network is one model's graphs: a trunk, and heads. The heads of Mask R-CNN
// are graphs of their own because the number of RoIs is known only between
// them, that of a classifier because the mean of maps stands before it.
type Network struct {
	// Trunk is the backbone with the dense head of a detector: input "image"
	// H×W×3; outputs P{l} for every level l, and objectness{l} and deltas{l}
	// (Mask R-CNN) or classes{l} and deltas{l} (RetinaNet).
	Trunk      *graph.Graph
	Box        *graph.Graph // Mask R-CNN: see boxhead.BuildHead
	Mask       *graph.Graph // Mask R-CNN: see maskhead.BuildHead
	Classifier *graph.Graph // classification: see classifier.BuildHead
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
	switch c.Model {
	case config.ModelRetinaNet:
		return n, retinanet.BuildHead(n.Trunk, n.Features.Levels, c)
	case config.ModelClassification:
		n.Classifier, err = classifier.BuildHead(c, n.Trunk.Channels(n.Features.Levels[c.Backbone.MaxLevel]))
		return n, err
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

// Tensors lists the stored arrays of all graphs.
func (n *Network) Tensors() []graph.Tensor {
	list := n.Trunk.Tensors()
	for _, head := range []*graph.Graph{n.Box, n.Mask, n.Classifier} {
		if head != nil {
			list = append(list, head.Tensors()...)
		}
	}
	return list
}

// Part is one of the graphs with the size and number of its rows.
type Part struct {
	Name                string // for people
	Stage               string // of a run, as spinemask.Result names it
	Graph               *graph.Graph
	Height, Width, Rows int
}

// Parts lists the graphs as they run on an input of h×w pixels; Mask R-CNN with
// the given numbers of proposals and of detections.
func (n *Network) Parts(c *config.Config, h, w, proposals, detections int) []Part {
	switch c.Model {
	case config.ModelRetinaNet:
		return []Part{{"backbone and RetinaNet head", "backbone", n.Trunk, h, w, 1}}
	case config.ModelClassification:
		return []Part{
			{"backbone", "backbone", n.Trunk, h, w, 1},
			{"classifier", "classifier", n.Classifier, 1, 1, 1},
		}
	}
	return []Part{
		{"backbone and RPN", "backbone", n.Trunk, h, w, 1},
		{"box head", "box head", n.Box, c.RoIAlign.BoxSize, c.RoIAlign.BoxSize, proposals},
		{"mask head", "mask head", n.Mask, c.RoIAlign.MaskSize, c.RoIAlign.MaskSize, detections},
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
