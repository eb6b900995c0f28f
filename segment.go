package spinemask

import (
	"context"
	"image"

	"github.com/spinemask/spinemask/internal/imageio"
)

// Segment finds the instances of a picture. It waits while all workspaces are
// busy. When ctx is done it returns its error within a fraction of a second.
//
// An *image.YCbCr, which is what image/jpeg decodes to, is converted as libjpeg
// converts it, because published accuracies were measured so.
func (m *Model) Segment(ctx context.Context, img image.Image) (*Result, error) {
	pixels, ok := img.(*imageio.Image)
	if !ok {
		pixels = imageio.FromImage(img)
	}
	s, err := m.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer m.release(s)
	return s.segment(ctx, pixels)
}
