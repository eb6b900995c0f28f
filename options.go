package spinemask

import (
	"fmt"
	"runtime"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights"
)

// Options of a model. The zero value, and nil, are the defaults.
type Options struct {
	// Threads is the number of goroutines that work on one picture; 0 means
	// GOMAXPROCS.
	Threads int
	// Workspaces is the number of pictures in work at once, each with memory of
	// its own; further calls wait. 0 means 1, which gives the least latency.
	Workspaces int
	// Height and Width are the size of the network's input, in place of that of
	// the model's config: photos are fitted into it. Only for models with a fixed
	// input size.
	Height, Width int
	// MinScore drops detections with a lower score before their masks are made.
	// 0 keeps all that the model's config keeps, as an evaluation needs; what a
	// person wants to see is DisplayScore.
	MinScore float64
	// MaxDetections is the number of detections of a picture that are kept, in
	// place of the model's own; 0 means that.
	MaxDetections int
	// NMSIoU is the intersection over union from which the lesser of two
	// detections of a class is dropped, in place of the model's own; 0 means that.
	NMSIoU float64
	// Raw keeps detections as the network gives them, as an evaluation against the
	// original systems needs: boxes that reach over the border of the picture, and
	// those in the padding around it, without a pixel. Otherwise boxes are clipped to
	// the picture, and what has no pixel in it is dropped.
	Raw bool
	// MemoryLimit in bytes, 0 for none: opening a model fails when a process that
	// runs it needs more, once it is loaded: packed weights, the feature maps of
	// all workspaces and their threads' scratch, without the pictures themselves
	// and the results. Where the input has the size of the photo, it is segmenting
	// a photo that is too large that fails.
	MemoryLimit int64
	// NoWinograd computes all convolutions directly: slower, but with less memory
	// and, in the heads, less than half of the rounding error.
	NoWinograd bool
	// Fast is for machines that multiply tiles of bfloat16 (AMX, Intel's servers
	// since 2023): less time and memory, with a rounding error of up to 5e-6 in
	// every layer. Elsewhere it changes nothing, and nothing beside NoWinograd.
	Fast bool
	// Weights says what no tensor of a file tells: whose arithmetic it needs, the
	// size of the input, the names of the classes, or the whole config.
	Weights weights.Options
}

// DisplayScore, as Options.MinScore, stands for the model's own
// config.Detections.DisplayThreshold.
const DisplayScore = -1

// mostThreads is beyond the cores of any machine; each of them has memory of its own.
const mostThreads = 4096

// check reports the first option that means nothing, before a file is read.
func (o *Options) check() error {
	switch {
	case o == nil:
		return nil
	case o.Threads < 0 || o.Threads > mostThreads:
		return fmt.Errorf("spinemask: Options.Threads: %d, want 0 to %d", o.Threads, mostThreads)
	case o.Workspaces < 0 || o.Workspaces > mostThreads:
		return fmt.Errorf("spinemask: Options.Workspaces: %d, want 0 to %d", o.Workspaces, mostThreads)
	case (o.Height == 0) != (o.Width == 0), o.Height < 0, o.Width < 0:
		return fmt.Errorf("spinemask: Options.Height and Width: %d×%d, want both or neither", o.Height, o.Width)
	case o.MinScore != DisplayScore && !(o.MinScore >= 0 && o.MinScore <= 1):
		return fmt.Errorf("spinemask: Options.MinScore: %g, want 0 to 1, or DisplayScore", o.MinScore)
	case o.MaxDetections < 0:
		return fmt.Errorf("spinemask: Options.MaxDetections: %d, want 0 or more", o.MaxDetections)
	case o.NMSIoU != 0 && !(o.NMSIoU >= 0.01 && o.NMSIoU <= 1):
		return fmt.Errorf("spinemask: Options.NMSIoU: %g, want 0.01 to 1, or 0 for the model's own", o.NMSIoU)
	case o.MemoryLimit < 0:
		return fmt.Errorf("spinemask: Options.MemoryLimit: %d bytes, want 0 or more", o.MemoryLimit)
	}
	return nil
}

func (o *Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func (o *Options) workspaces() int { return max(o.Workspaces, 1) }

// configure is c with what the options change in it.
func (o *Options) configure(c *config.Config) (*config.Config, error) {
	changed := *c
	if o.Height != 0 || o.Width != 0 {
		if !c.Input.HasSize() {
			return nil, fmt.Errorf("input of %d×%d pixels: the model takes the size of the photo", o.Height, o.Width)
		}
		changed.Input.Height, changed.Input.Width = o.Height, o.Width
	}
	if o.MaxDetections != 0 {
		changed.Detections.Max = o.MaxDetections
	}
	if o.NMSIoU != 0 {
		changed.Detections.NMSIoU = o.NMSIoU
	}
	return &changed, changed.Validate()
}
