package weights

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
)

// Options are what a person knows about a file that no tensor tells. Zero values, nil, leave the choice to [File.Config].
type Options struct {
	Semantics   System            // whose arithmetic around the network: TF1, TF2, …; not beside Config
	Style       Style             // of a file of mmdetection
	Activation  config.Activation // after the convolutions
	NormEpsilon *float64          // of every batch norm; zero is one that torchvision has
	AnchorSize  float64           // side of the square anchor in strides of its level
	Input       InputSize         // of the network's input
	// Categories are the classes in the order of the rows of the heads, without the background. Where rows are the ids of
	// the data set (TF1, TF2, torchvision) and all ids fit, they are put there, whatever their order. Names alone become
	// categories by [Categories], files of them by [ReadCategories].
	Categories []config.Category
	// BackboneOnly takes a file that holds a backbone of Detectron2 and no detector, such as its ImageNet weights: the config is that of Mask R-CNN
	// on it, whose other weights training makes.
	BackboneOnly bool
	// Config is taken in place of what the file implies; the other options change it.
	Config *config.Config
}

// arithmetic names what is given of the options that choose a family of configs; empty: nothing is.
func (o Options) arithmetic() string {
	switch {
	case o.Semantics != "":
		return fmt.Sprintf("semantics %q", o.Semantics)
	case o.Style != "":
		return fmt.Sprintf("style %q", o.Style)
	}
	return ""
}

// InputSize is the size of the network's input: Height and Width where photos are fitted into a canvas, Short and Long,
// the wanted shorter side and the limit of the longer one, where the input follows the photo. Zero leaves it as it is.
type InputSize struct{ Height, Width, Short, Long int }

// apply sets the size in the config of a model that takes one of this kind.
func (s InputSize) apply(in *config.Input) error {
	fixed := in.HasSize()
	switch {
	case s == InputSize{}:
		return nil
	case fixed && (s.Height <= 0 || s.Width <= 0 || s.Short != 0 || s.Long != 0):
		return fmt.Errorf("input size: want a height and a width: the model fits photos into a canvas")
	case !fixed && (s.Short <= 0 || s.Long < s.Short || s.Height != 0 || s.Width != 0):
		return fmt.Errorf("input size: want a shorter and a longer side: the input of the model follows the photo")
	case fixed:
		in.Height, in.Width = s.Height, s.Width
	default:
		in.MinSize, in.MaxSize = s.Short, s.Long
	}
	return nil
}
