package cluster

import "k8s.io/client-go/rest"

// Tune makes a configuration one that a run can use. client-go's default of 5 requests a second
// would make a dozen trials queue.
func Tune(c *rest.Config) {
	c.QPS, c.Burst = 200, 400
	c.UserAgent = "podproof"
}
