package tile

import (
	"context"
	"image"
	"sync/atomic"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/rle"
)

// rectangular is a model whose instances all have masks: those that it finds without one get the pixels of their boxes, so that sightings of a detector
// without masks are joined as those of others are. boxes becomes true when there was such an instance.
func rectangular(model Segmenter) (with Segmenter, boxes *atomic.Bool) {
	boxes = new(atomic.Bool)
	return func(ctx context.Context, picture image.Image) (*spinemask.Result, error) {
		r, err := model(ctx, picture)
		if err != nil {
			return nil, err
		}
		for i := range r.Instances {
			if in := &r.Instances[i]; !in.HasMask() {
				boxes.Store(true)
				b := in.Box
				in.Mask = rle.FromBox(float64(b.X1), float64(b.Y1), float64(b.X2-b.X1), float64(b.Y2-b.Y1), r.Height, r.Width)
			}
		}
		return r, nil
	}, boxes
}

// bare takes the masks away again.
func bare(instances []spinemask.Instance) {
	for i := range instances {
		instances[i].Mask = rle.Mask{}
	}
}
