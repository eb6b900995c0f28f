package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/tile"
)

// A mosaic of images that are known: what is found in each alone, away from its border, is found in the mosaic, at its place and once.
func TestTilesOfAMosaic(t *testing.T) {
	const side = 256
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer model.Close()
	ctx := context.Background()
	names := []string{"12f89395ad5d2149", "e50ac10d1dce6496", "d35f25c8e3f7fca5", "12f89395ad5d2149"}
	mosaic := imageio.New(2*side, 2*side)
	var want []rle.Mask
	for i, name := range names {
		photo, err := imageio.Open("../../testdata/images/"+name+".png", imageio.Options{})
		require.NoError(t, err)
		x0, y0 := i%2*side, i/2*side
		for y := range side {
			copy(mosaic.Pix[3*((y0+y)*2*side+x0):][:3*side], photo.Pix[3*y*side:])
		}
		r, err := model.Segment(ctx, photo)
		require.NoError(t, err)
		for _, in := range r.Instances {
			x, y, w, h := in.Mask.Bounds()
			if x < 3 || y < 3 || x+w > side-3 || y+h > side-3 || in.Score < 0.95 {
				continue // in the mosaic it may go on beyond the seam, or be nothing
			}
			bits := make([]byte, 4*side*side)
			for p, set := range in.Mask.Bitmap() {
				bits[(y0+p/side)*2*side+x0+p%side] = set
			}
			want = append(want, rle.FromBitmap(2*side, 2*side, bits))
		}
	}
	require.Greater(t, len(want), 120)

	f := segmentFlags{showingFlags: showingFlags{cut: tile.Options{Size: 200, Overlap: 60, Workers: 2}}}
	got, _, err := f.find(ctx, model, mosaic)
	require.NoError(t, err)
	missing := 0
	for _, w := range want {
		hits := 0
		for _, in := range got.Instances {
			if rle.IoU(in.Mask, w, false) > 0.5 {
				hits++
			}
		}
		require.LessOrEqual(t, hits, 1, "found twice")
		if hits == 0 {
			missing++
		}
	}
	require.LessOrEqual(t, missing, len(want)/25, "of %d", len(want))
	for i, a := range got.Instances {
		for _, b := range got.Instances[:i] {
			require.Less(t, rle.IoU(a.Mask, b.Mask, false), 0.7, "the same thing twice")
		}
	}
	t.Logf("%d of %d found, %d in the mosaic", len(want)-missing, len(want), len(got.Instances))
}

// An image that is shown to the model smaller than it would be, in a tile that is filled up, gives the same things in the same places.
func TestScaledImagesKeepTheirPlaces(t *testing.T) {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer model.Close()
	ctx := context.Background()
	photo, err := imageio.Open("../../testdata/images/12f89395ad5d2149.png", imageio.Options{})
	require.NoError(t, err)
	whole, err := model.Segment(ctx, photo)
	require.NoError(t, err)
	for _, scale := range []float64{2, 3} {
		f := segmentFlags{showingFlags: showingFlags{scale: scale}}
		require.NoError(t, f.decide(model.Config(), 1, imageio.DefaultMaxPixels))
		got, _, err := f.find(ctx, model, photo)
		require.NoError(t, err)
		require.Equal(t, [2]int{photo.Width, photo.Height}, [2]int{got.Width, got.Height})
		want, found, sum := 0, 0, 0.0
		for _, w := range whole.Instances {
			if w.Score < 0.95 {
				continue
			}
			want++
			best := 0.0
			for _, in := range got.Instances {
				best = max(best, rle.IoU(in.Mask, w.Mask, false))
			}
			if best > 0.5 {
				found++
				sum += best
			}
		}
		require.Greater(t, want, 10)
		require.GreaterOrEqual(t, found, want*9/10, "scale %g, of %d", scale, want)
		require.Greater(t, sum/float64(found), 0.85, "scale %g", scale)
		t.Logf("scale %g: %d of %d, mean IoU %.3f", scale, found, want, sum/float64(found))
	}
}

// Without the size of the objects in the model's config, no scale follows from their size in the images.
func TestDiameterNeedsAModelThatSaysItsOwn(t *testing.T) {
	c, err := config.TF2("49")
	require.NoError(t, err)
	for _, px := range []string{"20", diameterAuto, diameterLarge} {
		f := showingFlags{diameter: px}
		err = f.decide(c, 1, imageio.DefaultMaxPixels)
		require.EqualError(t, err, "--diameter "+px+": the model does not say how large the objects are that it was trained on")
		require.Contains(t, err.(hinted).hint, "--scale")
	}
	c.Objects = &config.Objects{Diameter: 30}
	f := showingFlags{diameter: "20"}
	require.NoError(t, f.decide(c, 1, imageio.DefaultMaxPixels))
	require.Equal(t, 427, f.cut.Size) // 640 pixels at a scale of 1.5
	f = showingFlags{}
	require.NoError(t, f.decide(c, 1, imageio.DefaultMaxPixels))
	require.Empty(t, f.diameter)
	c.Objects.LookCloser = true // where nothing is asked for
	require.NoError(t, f.decide(c, 1, imageio.DefaultMaxPixels))
	require.Equal(t, diameterLarge, f.diameter)
	for _, f := range []showingFlags{{diameter: diameterOff}, {scale: 1}, {tile: 300}} {
		was := f.diameter
		require.NoError(t, f.decide(c, 1, imageio.DefaultMaxPixels))
		require.Equal(t, was, f.diameter)
	}
}
