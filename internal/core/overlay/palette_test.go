package overlay

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLabIsTheInverseOfRGB(t *testing.T) {
	for _, c := range palette(lab{0.3, 0, 0}) {
		rgb := c.rgb()
		require.Less(t, c.distance(toLab(float64(rgb.R), float64(rgb.G), float64(rgb.B))), 0.005)
	}
	require.InDelta(t, 1, toLab(255, 255, 255).l, 1e-3)
}

func boxesOf(instances []Instance) (boxes []image.Rectangle) {
	for _, in := range instances {
		x, y, w, h := in.Mask.Bounds()
		boxes = append(boxes, image.Rect(x, y, x+w, y+h))
	}
	return boxes
}

func TestNeighboursHaveDifferentColours(t *testing.T) {
	for name, instances := range truth(t) {
		boxes := boxesOf(instances)
		for _, photo := range []lab{{0.1, 0, 0}, {0.7, 0.05, -0.08}} {
			shades := palette(photo)
			colours := assign(boxes, shades, nil)
			for i := range boxes {
				for j := range i {
					if boxes[i].Inset(-2).Overlaps(boxes[j]) && len(instances) < 300 {
						require.Greater(t, shades[colours[i]].distance(shades[colours[j]]), 0.07, "%s: instances %d and %d", name, j, i)
					}
				}
			}
		}
	}
}

func TestColoursDependOnEarlierInstancesOnly(t *testing.T) {
	boxes := boxesOf(truth(t)["547ef286ee5f4e5d.png"])
	all := assign(boxes, palette(lab{}), nil)
	require.Equal(t, all[:40], assign(boxes[:40], palette(lab{}), nil))
}
