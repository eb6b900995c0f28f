package spinemask

import (
	"time"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A Result is what a model found in a picture, by falling score.
type Result struct {
	Height, Width int // of the picture, pixels
	Instances     []Instance
	Stages        []Stage // where the time went, in order
}

// A Stage is a part of the way from a picture to its instances.
type Stage struct {
	Name     string
	Duration time.Duration
}

// An Instance is one thing in a picture.
type Instance struct {
	Category int      // id in the data set of the model
	Name     string   // of the category
	Score    float32  // 0…1
	Box      box.Box  // picture pixels, y down, x right; it may reach over the border a little
	Mask     rle.Mask // of the whole picture
}
