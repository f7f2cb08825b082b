"""What spec/vectors is made from: one module for each topic, whose ``vectors()`` are the topic's vectors."""
