package overlay

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// placed gives the labels of instances on a photo, and the area they may use.
func placed(photo *imageio.Image, instances []Instance) ([]label, image.Rectangle) {
	sc := newScene(photo, instances)
	sc.paint(palette(mean(photo)), nil)
	return newStyle(sc.area).place(sc), sc.area
}

func TestLabelsStayInsideAndApart(t *testing.T) {
	for name, instances := range truth(t) {
		for i := range instances {
			instances[i].Label = fmt.Sprintf("kind %d", i%7)
		}
		photo := open(t, name)
		labels, area := placed(photo, instances)
		require.NotEmpty(t, labels, name)
		for i, l := range labels {
			require.True(t, l.rect.In(area), "%s: %v outside of %v", name, l.rect, area)
			for _, other := range labels[:i] {
				require.False(t, l.rect.Overlaps(other.rect), "%s: %v and %v", name, l, other)
			}
		}
	}
}

func TestCrowdsOfOneClassHaveNoLabels(t *testing.T) {
	all := truth(t)
	labels, _ := placed(open(t, "547ef286ee5f4e5d.png"), all["547ef286ee5f4e5d.png"])
	require.Empty(t, labels)
	labels, _ = placed(open(t, "a1777737270c5f96.png"), all["a1777737270c5f96.png"]) // few and large
	require.NotEmpty(t, labels)
	for _, l := range labels {
		require.NotContains(t, l.text, "nucleus")
	}
}

func TestCaption(t *testing.T) {
	in := func(label string, score float32) Instance { return Instance{Label: label, Score: score} }
	require.Equal(t, "nothing found", captionText(nil, 1))
	require.Equal(t, "nothing found  ·  photo shown 2.7 times brighter", captionText(nil, 2.7))
	require.Equal(t, "2 × dog, 1 × cat  ·  scores 0.50 to 0.90", captionText([]Instance{in("cat", 0.9), in("dog", 0.5), in("dog", 0.7)}, 1))
	require.Equal(t, "1 × without class  ·  photo shown 4.0 times brighter", captionText([]Instance{in("", 0)}, 4))

	s := newStyle(image.Rect(0, 0, 700, 700))
	long := strings.Repeat("1 × something, ", 50)
	require.LessOrEqual(t, s.width(s.fit(long, 300)), 300)
	require.True(t, strings.HasSuffix(s.fit(long, 300), "…"))
	require.Empty(t, s.fit(long, 1))
}
