// Package tile finds the instances of pictures that do not suit the input of a model: microscope slides and aerial photos that are much larger, and
// pictures whose objects appear too small or too large in it. [Segment] cuts a picture into tiles that overlap and shows each to the model as a picture of
// its own. What two tiles see of the same object is joined by the masks, not by the boxes: the masks of an object agree where tiles overlap, whatever its
// shape is.
//
//	result, err := tile.Segment(ctx, model.Segment, picture, tile.Options{Size: 640, Overlap: 160})
//
// The size of a tile decides how large objects appear to the model, which scales every tile to its input. [AtScale] finds the size for a scale,
// [Auto] the scale for a picture.
package tile

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

// Options of Segment. Lengths are in pixels of the picture.
type Options struct {
	Size    int // side of a tile, at least 32
	Overlap int // of neighbours, at least; at most half of Size; an object that is smaller is seen whole by one of them

	// Pad fills up, at the right and below, what is smaller than a tile, so that the model sees every picture at the same scale.
	Pad  bool
	Fill color.Color // of what is filled up; nil is black

	Workers int // tiles that are with the model at once; 0 means 1; the result does not depend on it

	// Slots, if it is not nil, bounds the tiles of all calls that share it: each is in memory while it has a place in the channel.
	Slots chan struct{}
}

// MinSize is the least side of a tile, in pixels of the picture.
const MinSize = 32

// Check reports what is wrong with the options.
func (o Options) Check() error {
	if o.Size < MinSize || o.Overlap < 0 || o.Overlap > o.Size/2 {
		return fmt.Errorf("tile: size %d, overlap %d: want a size of at least %d pixels, and an overlap of at most half of it", o.Size, o.Overlap, MinSize)
	}
	return nil
}

// A Segmenter finds the instances of a picture. The method Segment of spinemask.Model is one. It is called from Options.Workers goroutines.
type Segmenter func(ctx context.Context, picture image.Image) (*spinemask.Result, error)

// Segment finds the instances of a picture, by falling score, with masks and boxes in its pixels, counted from its upper left corner. The durations of the
// result's stages are sums over the tiles.
//
// Instances of a detector without masks are joined by the pixels of their boxes, and have none in the result either.
//
// Besides the picture and the result it needs the memory of a tile for each worker, or each of the Slots. A picture that spinemask.OpenImage did not read is first copied to 8-bit
// RGB, three bytes a pixel. An error is that of the options, of the context, or the first one of the model.
func Segment(ctx context.Context, model Segmenter, picture image.Image, o Options) (*spinemask.Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if picture == nil {
		return nil, errors.New("tile: no picture: the image is nil")
	}
	photo := pixelsOf(picture)
	fits := photo.Width <= o.Size && photo.Height <= o.Size
	if fits && (!o.Pad || photo.Width == o.Size && photo.Height == o.Size) {
		return model(ctx, photo)
	}
	g := newGrid(photo, o)
	m := newMerger(g)
	model, boxes := rectangular(model)
	var stages []spinemask.Stage
	err := g.each(ctx, model, func(tile int, r *spinemask.Result) {
		stages = addStages(stages, r.Stages)
		m.add(tile, r.Instances)
	})
	if err != nil {
		return nil, err
	}
	instances := m.instances()
	if boxes.Load() {
		bare(instances)
	}
	return &spinemask.Result{Height: photo.Height, Width: photo.Width, Instances: instances, Stages: stages}, nil
}

// pixelsOf gives 8-bit RGB.
func pixelsOf(picture image.Image) *imageio.Image {
	if photo, ok := picture.(*imageio.Image); ok {
		return photo
	}
	return imageio.FromImage(picture)
}

func addStages(sum, more []spinemask.Stage) []spinemask.Stage {
	if sum == nil {
		return slices.Clone(more)
	}
	for i := range min(len(sum), len(more)) {
		sum[i].Duration += more[i].Duration
	}
	return sum
}
