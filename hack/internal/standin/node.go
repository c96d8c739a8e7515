package standin

import "errors"

// Node is the image of a kind node.
func (h Host) Node() (Image, error) { return Image{}, errors.New("not yet") }
